"""The layer between the faces and the server."""
