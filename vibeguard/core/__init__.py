"""The pure core: values in, values out; no Trio, no clock, no file system."""
