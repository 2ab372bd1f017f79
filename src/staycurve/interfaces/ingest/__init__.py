"""Events in: the addresses to which the SDKs of product analytics send."""
