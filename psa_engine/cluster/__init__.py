"""The same blocks on a Dask cluster, to the same bits, and samples too large to bring together."""
