"""Who works behind the counter, and what each of them may do."""
