"""Effects: whether something that was done helped, and how many accounts it takes to see it."""
