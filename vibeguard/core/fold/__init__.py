"""Events -> State -> Verdict."""
