"""The bytes of `events.jsonl`, both ways: events to lines, lines to events. No files here."""
