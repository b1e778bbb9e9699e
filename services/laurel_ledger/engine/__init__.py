"""How drafts from all callers become batches, one durable commit each."""
