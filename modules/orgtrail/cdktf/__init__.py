"""CDKTF constructs, each for one concern; they turn settings and providers into resources."""
