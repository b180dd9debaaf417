"""What a check did under a tracer: lines of strace in, facts and proposals out."""
