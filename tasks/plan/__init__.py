"""(Facts, wish) → Plan. Pure: no clock, no network, no files but the templates."""
