"""Benefits: what orders earn, what memberships cost, what a member may have, and why not."""
