"""What would bound a server far larger than one machine can show: computed from what was measured."""
