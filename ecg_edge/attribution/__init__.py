"""What a model's answer for a window rests on: integrated gradients, occlusion, attention and memory of states."""
