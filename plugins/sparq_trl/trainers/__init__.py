"""What a training's own processes do for each method: the trainer of TRL that it takes, and the metrics it tells of it."""
