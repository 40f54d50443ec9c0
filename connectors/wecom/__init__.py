"""WeCom customer service (企业微信·微信客服): citizens write from WeChat, people of the city may take over in WeCom."""
