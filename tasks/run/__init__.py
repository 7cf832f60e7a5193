"""What touches a machine: SSH, docker, files, git, the clock, the terminal."""
