"""Who may act for whom: mandates, organisations and guardians."""
