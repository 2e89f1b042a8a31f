"""M-Bus: the long frame, as carrier of DLMS."""
