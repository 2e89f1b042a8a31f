"""The meter as a DLMS/COSEM server: associations, services, and the objects behind them."""
