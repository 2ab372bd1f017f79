"""What several themes of insights use: who reads, what may be asked, who is behind a number."""
