"""IEC 62056-21: the sign-on, readout and programming of a meter at its optical port, in text."""
