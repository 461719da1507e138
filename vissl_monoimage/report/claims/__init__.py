"""What tables say of the paper's claims, in sentences that a rule makes from their statistics."""
