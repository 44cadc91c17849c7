"""What bundles, applications, tasks and clocks are made of; one file for each topic."""
