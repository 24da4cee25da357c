"""What the commands of `dagtui.cli` have in common, and those that are not about running a task."""
