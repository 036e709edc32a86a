"""Cases, eligibility, pacing, attempts and retries."""
