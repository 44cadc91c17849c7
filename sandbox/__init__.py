"""The outside world of the product on one machine: servers, city, payment gateway."""
