"""`make test-nodered`: the LoopEdge flow in a real Node-RED, against a local lake, through a line that breaks."""
