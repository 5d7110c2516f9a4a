"""What a published stream consists of: MP4 fragments with exact times, tracks as plain data, HLS playlists, DASH manifests."""
