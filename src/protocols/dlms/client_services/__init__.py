"""The services of a client, one module for each: what is asked over a session, blocks put together."""
