"""System checks: production refuses to start on what is unsafe, and says which variable."""
