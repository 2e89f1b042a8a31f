"""HDLC of IEC 62056-46: the frame."""
