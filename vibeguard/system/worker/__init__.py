"""A worker of a pool: a guardian, and below it the process that takes jobs and runs them."""
