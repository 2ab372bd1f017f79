"""Where customers come from, and what they are worth; referrals."""
