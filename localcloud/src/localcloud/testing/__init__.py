"""What tests of the local cloud, and of what runs on it, share: devices, cameras, tables, fakes in memory."""
