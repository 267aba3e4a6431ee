"""One function for each verb: rooms put together in the order in which the data flows."""
