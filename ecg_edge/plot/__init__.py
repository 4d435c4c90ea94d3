"""Pictures of recordings as an ECG on paper, with what a model says laid over."""
