"""Jobs: verified employers, their vacancies, and what citizens look for and apply for."""
