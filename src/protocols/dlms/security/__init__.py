"""Security of DLMS/COSEM associations: suites 0 to 2, authentication, keys, counters and certificates.

Pure: random octets, counters and the time come from outside (DLMS UA 1000-2, 9.2).
"""
