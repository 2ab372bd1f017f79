"""What programs send over HTTP: read as JSON, event by event, in the form of each kind of SDK."""
