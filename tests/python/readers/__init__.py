"""Programs and libraries that read a dataset, each behind one small interface."""
