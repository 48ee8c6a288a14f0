"""The service as its users meet it: a real process, real sockets, bytes in and bytes out."""
