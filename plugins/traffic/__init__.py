"""Traffic violations: from the notice over the defence and the decision to the paid fine."""
