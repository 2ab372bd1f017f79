"""What a rule can ask of every account: one value an account, as of an instant."""
