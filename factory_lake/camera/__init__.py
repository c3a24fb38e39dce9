"""Reading a camera's clips: `clips` lists them, `frames` looks into one."""
