"""What is published about the types: schemas/, docs/events.md, tables of docs/configuration.md."""
