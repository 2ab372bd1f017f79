"""Surveys: what is asked, who may be asked when, the links, and the mails."""
