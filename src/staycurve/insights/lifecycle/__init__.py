"""The stages of an account, its visits, and the time that they take."""
