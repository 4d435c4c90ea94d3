"""The signal path of a device before its network: resampling, filters and scaling in integers, sample by sample."""
