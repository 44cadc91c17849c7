"""Alipay as a merchant's server sees it: one gateway, signed forms, signed answers, bills."""
