"""WeChat Pay (APIv3) as a merchant's server sees it: signed calls, answers, notices and bills."""
