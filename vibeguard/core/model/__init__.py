"""The structs that everything else speaks; they decide nothing."""
