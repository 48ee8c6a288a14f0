"""What joins the faces to the server."""
